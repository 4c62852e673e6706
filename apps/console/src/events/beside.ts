import type { AuditEvent } from '../api/audit-answers.ts'

/** Whom it concerns and from where, where its sentence does not say so. */
export const beside = ({ text, user, address }: AuditEvent): readonly string[] =>
  [user?.username, address].filter(line => typeof line === 'string').filter(line => !text.includes(line))
