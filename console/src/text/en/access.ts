/** Set-up and login. */
export const access = {
  setupTitle: "Set up Godwit",
  setupBody: "Make the first account. It is an admin: it may do everything, and make accounts for others.",
  setupNoToken: "This page needs the link that `godwit serve` has printed at its first start. Open that link.",
  setupDone: "There is an account already.",
  needsSetup: "There is no account yet. Open the link that `godwit serve` has printed at its first start.",
  createAccount: "Create account",
  loginTitle: "Log in to Godwit",
  logIn: "Log in",
  toLogin: "To the login",
  name: "Name",
  password: "Password",
  passwordAgain: "Password again",
  passwordHint: "At least 10 characters; a sentence is better than symbols.",
  passwordShort: "A password has at least 10 characters.",
  passwordDiffers: "The two passwords differ.",
  nameWrong: "Letters, digits and . _ @ + - are allowed.",
};
