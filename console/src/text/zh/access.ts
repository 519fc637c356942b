import type { Text } from "../text.ts";

export const access: Text["access"] = {
  setupTitle: "初始化 Godwit",
  setupBody: "创建第一个账号。它是管理员，拥有全部权限，并可为他人创建账号。",
  setupNoToken: "此页面需要 `godwit serve` 首次启动时打印的链接，请打开该链接。",
  setupDone: "账号已经存在。",
  needsSetup: "还没有账号。请打开 `godwit serve` 首次启动时打印的链接。",
  createAccount: "创建账号",
  loginTitle: "登录 Godwit",
  logIn: "登录",
  toLogin: "前往登录",
  name: "用户名",
  password: "密码",
  passwordAgain: "确认密码",
  passwordHint: "至少 10 个字符；一句话比符号更好。",
  passwordShort: "密码至少 10 个字符。",
  passwordDiffers: "两次输入的密码不一致。",
  nameWrong: "只允许字母、数字以及 . _ @ + -。",
};
