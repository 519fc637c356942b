/** The pages of the settings. All but one's own password are for admins. */
export const SETTINGS_TABS = ["accounts", "tokens", "alerts", "audit", "password"] as const;
export type SettingsTab = (typeof SETTINGS_TABS)[number];
