import { type CSSVariablesResolver, Button, createTheme } from "@mantine/core";

/** White on shade 7 has a contrast of 5.5, shade 3 on the dark ground one of 9: WCAG AA asks for 4.5. */
const TIDE = ["#effcf9", "#d5f5ef", "#abe9df", "#73d8ca", "#3fc0b1", "#22a597", "#14857b", "#0f766e", "#115e59", "#134e4a"] as const;

const DARK = ["#e8eaed", "#c6cad0", "#a5abb4", "#878e98", "#3a3f47", "#2c3037", "#1f2228", "#17191d", "#111316", "#0b0c0e"] as const;

const FONT = `Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif`;

export const theme = createTheme({
  primaryColor: "tide",
  primaryShade: { light: 7, dark: 7 },
  colors: { tide: TIDE, dark: DARK },
  fontFamily: FONT,
  fontFamilyMonospace: `ui-monospace, SFMono-Regular, "JetBrains Mono", Menlo, Consolas, "Liberation Mono", monospace`,
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "20px" },
  spacing: { xs: "8px", sm: "12px", md: "16px", lg: "24px", xl: "32px" },
  defaultRadius: "sm",
  radius: { xs: "4px", sm: "6px", md: "8px", lg: "12px", xl: "20px" },
  headings: { fontWeight: "600", sizes: { h1: { fontSize: "20px" }, h2: { fontSize: "15px" }, h3: { fontSize: "14px" } } },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { size: "sm" } }),
    Tooltip: { defaultProps: { withArrow: true, openDelay: 300, multiline: true, maw: 320 } },
    Modal: { defaultProps: { centered: true, radius: "md" } },
    InputWrapper: { defaultProps: { inputWrapperOrder: ["label", "input", "description", "error"] } },
  },
});

/** Mantine's own greys for dimmed text and placeholders fall below AA on a light ground. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: { "--mantine-color-dimmed": "#59616b", "--mantine-color-placeholder": "#69717c", "--mantine-color-text": "#14171a", "--mantine-color-error": "#b42318" },
  dark: { "--mantine-color-dimmed": "#a5abb4", "--mantine-color-placeholder": "#8d949e", "--mantine-color-error": "#ff9a9a" },
});
