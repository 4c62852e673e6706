/** The blog's own audit events, beside the engine's. */
export const blogEvents = {
  'post.changed-by-moderator': "A moderator changed somebody's post.",
  'post.deleted-by-moderator': "A moderator deleted somebody's post.",
} as const satisfies Record<string, string>
