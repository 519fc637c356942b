/** What --type and `type:` take. */
export const MIGRATION_TYPES = ["structure", "full"] as const;

/** The answer to the type that Godwit is named for but does not have yet. */
export const INCREMENTAL_NOT_BUILT = "full+incremental is not built yet: use full (structure and data) or structure";
