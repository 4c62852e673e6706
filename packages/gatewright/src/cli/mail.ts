import type { Engine } from '../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../ground/clock.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { toTable } from './table.ts'

const most = 1_000

const list = async ({ db }: Engine) => {
  const { listGivenUp } = await import('../mail/claim.ts')
  const mails = (await listGivenUp(db, most)).map(mail => ({
    id: mail.id,
    kind: mail.kind,
    problem: mail.problem,
    made_at: toTimestamp(mail.created_at),
    given_up_at: toTimestampOrNull(mail.given_up_at),
  }))
  const rows = mails.map(mail => [mail.id, mail.kind, mail.problem ?? '', mail.given_up_at ?? ''])
  const text = toTable([['ID', 'MAIL', 'FAILED BY', 'GIVEN UP'], ...rows]).join('\n')
  return { text: mails.length === 0 ? 'No mail was given up.' : text, json: { mails } }
}

const retry = async ({ db, clock }: Engine, id: string | undefined) => {
  const { tryAgain } = await import('../mail/claim.ts')
  const count = await tryAgain(db, clock.now(), id)
  const what = count === 1 ? '1 mail is' : `${count} mails are`
  return { text: `${what} tried again by the running servers, or by the next start.`, json: { count } }
}

export const mailList = defineCommand({
  name: 'mail list',
  summary: 'Lists the mail that was given up, without saying to whom it was.',
  parameters: {},
  options: {},
  example: 'mail list',
  run: () => withEngine('must exist', list),
})

export const mailRetry = defineCommand({
  name: 'mail retry',
  summary: 'Tries mail again that was given up: all of it, or one.',
  parameters: {},
  options: { id: { kind: 'text', value: 'id', describe: 'Only this one, as mail list shows it.' } },
  example: 'mail retry',
  run: ({ id }) => withEngine('must exist', engine => retry(engine, id)),
})
