import type { Engine } from '../compose.ts'
import type { User } from '../users/users.ts'
import { defineCommand, type Result } from './command.ts'
import { withEngine } from './engine.ts'
import { getUserByName, toUserView } from './users.ts'

type State = 'disabled' | 'enabled'

const stateOf = ({ disabledAt }: User): State => (disabledAt === null ? 'enabled' : 'disabled')

/** What has that state already stays as it is, and that is no failure: a script may say it twice. */
const bringTo = async (
  engine: Engine,
  { username, reason }: { readonly username: string; readonly reason?: string | undefined },
  state: State,
): Promise<Result> => {
  const { disableUser, enableUser } = await import('../administration/users.ts')
  const { commandLineOrigin: origin } = await import('../audit/record.ts')
  const before = await getUserByName(engine, username)
  const change = state === 'disabled' ? disableUser : enableUser
  await change(engine, { userId: before.id, reason, origin })
  const after = await getUserByName(engine, username)
  const changed = stateOf(before) !== state
  return {
    text: changed ? `${after.username} is ${state}.` : `${after.username} was ${state} already.`,
    json: { changed, user: toUserView(after) },
  }
}

export const userDisable = defineCommand({
  name: 'user disable',
  summary: 'Disables a user. All sessions of the user end at once, also in running servers.',
  parameters: { username: 'one' },
  options: { reason: { kind: 'text', value: 'text', describe: 'Why, for the audit log.' } },
  example: 'user disable bob --reason "left the company"',
  run: ({ username, reason }) =>
    withEngine('must exist', engine => bringTo(engine, { username, reason }, 'disabled')),
})

export const userEnable = defineCommand({
  name: 'user enable',
  summary: 'Enables a user again. Sessions that were ended stay ended.',
  parameters: { username: 'one' },
  options: {},
  example: 'user enable bob',
  run: ({ username }) => withEngine('must exist', engine => bringTo(engine, { username }, 'enabled')),
})
