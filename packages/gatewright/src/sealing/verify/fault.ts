/** What can be wrong with the record of a chain, and what that means; `what` of a fault says more. */
export const faultKinds = {
  edited: 'The event is not the one that was sealed: a column was changed.',
  deleted: 'Events that were sealed are not there, and no pruning covers them.',
  inserted: 'An event stands where another one was sealed: something was put in before it.',
  reordered: 'Events have changed places.',
  rewritten: 'The chain was sealed anew: an event before this place was changed, removed or put in.',
  truncated: 'The end is missing: there was more than is left.',
  fork: 'Two entries stand behind the same one.',
  unsealed:
    'An event has no seal for more than a minute: nothing sealed it, or it was put in beside the server.',
  'personal-changed': 'A personal field is not the one that the event has committed to.',
  'personal-missing': 'A personal field is missing, and no erasure names the event.',
  'checkpoint-forged': 'A checkpoint was not signed by the key that it names, or by a key that nobody knows.',
  'checkpoint-contradicted': 'The chain is not the one that a checkpoint was signed for.',
  'pruning-unsigned': 'The chain does not begin where a signed checkpoint says.',
  'pruning-unrecorded': 'The beginning was deleted, and no event tells of it.',
  'shown-otherwise': 'A line of an export shows the event otherwise than it was sealed.',
  'anchor-unmet': 'No checkpoint from outside is of anything that is there: nothing is proved by them.',
  restored: 'A recorded restore has lost what was sealed after its backup.',
} as const satisfies Readonly<Record<string, string>>

export type FaultKind = keyof typeof faultKinds

export type Fault = {
  readonly kind: FaultKind
  /** The first position that it is about; of an event without a seal, where it would stand next. */
  readonly position: number
  readonly eventId?: number
  /** In words, without anything personal. */
  readonly what: string
}
