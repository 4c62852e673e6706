import type { AuditEvent } from '../api/audit-answers.ts'

/** Whom it concerns and from where, where its sentence does not say so. */
export const beside = (sentence: string, { user, address }: AuditEvent): readonly string[] =>
  [user?.username, address].filter(line => typeof line === 'string').filter(line => !sentence.includes(line))
