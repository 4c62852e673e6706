import { describeFinding } from '../access-review/describe-finding.ts'
import type { Review, ReviewedFinding } from '../access-review/review.ts'
import type { SignOff } from '../access-review/sign-off.ts'
import { toTimestamp, toTimestampOrNull } from '../ground/clock.ts'

export const toFinding =
  (publicUrl: string, { at: _, unusedFor: days }: Review) =>
  (finding: ReviewedFinding) => {
    const { text, command, page } = describeFinding(finding, days)
    return {
      id: finding.id,
      kind: finding.kind,
      text,
      subject: finding.subject,
      owner: finding.owner ?? null,
      role: finding.role ?? null,
      granted: [...finding.granted],
      unused: [...(finding.unused ?? [])],
      others: [...(finding.others ?? [])],
      since: toTimestampOrNull(finding.since),
      last_used_at: toTimestampOrNull(finding.lastUsedAt ?? null),
      ends_at: toTimestampOrNull(finding.endsAt ?? null),
      command,
      console: `${publicUrl}/console${page}`,
    }
  }

export const toReview = (review: Review) => ({
  at: toTimestamp(review.at),
  unused_for: `${review.unusedFor}d`,
  uses_noted_since: toTimestamp(review.usesNotedSince),
  digest: review.digest,
  complete: review.isComplete,
  total: review.findings.length,
  counts: review.counts.map(count => ({ ...count })),
})

export const toSignOff = ({ at, by, digest, unusedFor: days, findings, isComplete, comment }: SignOff) => ({
  at: toTimestamp(at),
  by,
  digest,
  unused_for: `${days}d`,
  findings,
  complete: isComplete,
  comment,
})
