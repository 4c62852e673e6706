import { createRecorder, type EventTable } from 'gatewright/audit'

/** The blog's own audit events, beside the engine's. */
export const blogEvents = {
  'post.changed-by-moderator': {
    when: "A moderator changed somebody's post.",
    fields: { post: 'plain' },
    often: 'each',
  },
  'post.deleted-by-moderator': {
    when: "A moderator deleted somebody's post.",
    fields: { post: 'plain' },
    often: 'each',
  },
} as const satisfies EventTable

export const recordBlogEvent = createRecorder(blogEvents)
