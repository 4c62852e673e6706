import type { Review } from '../access-review/review.ts'
import type { toFinding } from '../http/access-review-view.ts'
import { defineCommand, WrongUse } from './command.ts'
import { withEngine } from './engine.ts'
import { printable } from './table.ts'

const parseDays = (text: string): number => {
  const [, days] = /^([1-9]\d{0,2})d$/.exec(text) ?? []
  if (days === undefined || Number(days) > 400)
    throw new WrongUse('--unused-for is no number of days from 1d to 400d: write --unused-for 90d')
  return Number(days)
}

type View = ReturnType<ReturnType<typeof toFinding>>

const toLines = ({ text, command }: View): readonly string[] => [
  `  ${printable(text)}`,
  ...(command === null ? [] : [`    ${printable(command)}`]),
]

const toText = (review: Review, views: readonly View[]): string => {
  const groups = Map.groupBy(views, ({ kind }) => kind)
  const incomplete = review.isComplete
    ? []
    : ['Not everything was looked at: --json says of which kinds there is more.']
  return [
    ...[...groups].flatMap(([kind, found]) => [`${kind} (${found.length})`, ...found.flatMap(toLines), '']),
    `${views.length} findings; unused means for ${review.unusedFor} days. Uses are known since ${new Date(review.usesNotedSince).toISOString().slice(0, 10)}.`,
    ...incomplete,
    `To sign it off as it is: gatewright access-review --unused-for ${review.unusedFor}d --sign-off ${review.digest}`,
  ].join('\n')
}

export const accessReview = defineCommand({
  name: 'access-review',
  summary:
    'Shows what was granted and not used, and whatever else an auditor asks for, with what to do about it; or signs off that it was seen.',
  parameters: {},
  options: {
    'unused-for': { kind: 'text', value: 'days', describe: 'Days without use, such as 30d; 90d without it.' },
    'sign-off': {
      kind: 'text',
      value: 'digest',
      describe: 'Signs off the review that has this digest; refused where it is another one by now.',
    },
    comment: { kind: 'text', value: 'text', describe: 'What there is to say of it, with --sign-off.' },
  },
  example: 'access-review --unused-for 30d',
  run: async ({ 'unused-for': asked = '90d', 'sign-off': digest, comment }) => {
    const unusedFor = parseDays(asked)
    if (digest === undefined && comment !== undefined)
      throw new WrongUse('--comment belongs to --sign-off: write both')
    const { reviewAccess } = await import('../access-review/review.ts')
    const { signOff } = await import('../access-review/sign-off.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    const { toFinding, toReview, toSignOff } = await import('../http/access-review-view.ts')
    return withEngine('must exist', async engine => {
      if (digest !== undefined) {
        const signed = await signOff(engine, { digest, unusedFor, comment }, origin)
        return {
          text: `The access review with ${signed.findings} findings is signed off.`,
          json: { sign_off: toSignOff(signed) },
        }
      }
      const review = await reviewAccess(engine, unusedFor)
      const findings = review.findings.map(toFinding(engine.publicUrl, review))
      return { text: toText(review, findings), json: { review: toReview(review), findings } }
    })
  },
})
