import type { Engine } from '../compose.ts'
import type { Explanation, Question } from '../gate/explain.ts'
import { parseAddress } from '../ground/address.ts'
import { defineCommand, WrongUse } from './command.ts'
import { withEngine } from './engine.ts'
import { readSecretLine } from './password-input.ts'

type Asked = {
  readonly request: string | undefined
  readonly address: string | undefined
  readonly user: string | undefined
  readonly permission: string | undefined
  readonly fromStdin: boolean
}

/** A request says by itself whom it was about. */
const checkAlone = ({ user, permission, address, fromStdin }: Asked): void => {
  if (fromStdin || [user, permission, address].some(each => each !== undefined))
    throw new WrongUse('--request stands beside other options: write it alone')
}

const check = (asked: Asked): void => {
  const { user, permission, address, fromStdin } = asked
  if (address !== undefined && !fromStdin)
    throw new WrongUse(
      '--address is where a credential is shown from: write it beside --token-stdin, and give the API key on standard input',
    )
  if (address !== undefined && parseAddress(address) === undefined)
    throw new WrongUse('--address is no IP address: write one, such as 192.0.2.7')
  if (user !== undefined && fromStdin)
    throw new WrongUse('--user and --token-stdin stand together: write one of the two')
  if (user === undefined && !fromStdin)
    throw new WrongUse(
      'whom it is about is missing: write --user <name>, or --token-stdin and give the token on standard input',
    )
  if (user !== undefined && permission === undefined)
    throw new WrongUse('--permission is missing: write --permission <name>, such as users:write')
}

const mark = (held: boolean): string => (held ? 'yes' : 'no ')

const toLines = ({ allowed, code, asked, parts, principal }: Explanation): readonly string[] => [
  `${allowed ? 'Yes' : `No, ${code}`}: ${principal?.username ?? 'the caller'}, ${asked}.`,
  ...parts.map(
    ({ depth, text, held, why }) =>
      `  ${'  '.repeat(depth)}${mark(held)} ${text}${why === null ? '' : `: ${why}`}`,
  ),
  ...(principal === undefined
    ? []
    : [
        `Roles: ${principal.roles.join(', ') || 'none'}.`,
        `May: ${[...principal.permissions].sort().join(', ') || 'nothing'}.`,
        ...([...principal.withheld].length > 0
          ? [`With a second factor also: ${[...principal.withheld].sort().join(', ')}.`]
          : []),
      ]),
]

const ask = async (engine: Engine, question: Question) => {
  const { explain: explainOf } = await import('../gate/explain.ts')
  const { commandLineOrigin } = await import('../audit/record.ts')
  const { toExplanationView } = await import('../http/explanation.ts')
  const explanation = await explainOf({ ...engine, things: new Map() }, question, commandLineOrigin)
  return { text: toLines(explanation).join('\n'), json: toExplanationView(explanation) }
}

export const explain = defineCommand({
  name: 'explain',
  summary:
    'Says whether a user, or whoever holds a credential, may do something, and why: by the decision of the gate itself. What a route asks for only the running server knows: POST …/admin/explain.',
  parameters: {},
  options: {
    user: { kind: 'text', value: 'name', describe: 'The user, as if signed in at this moment.' },
    'token-stdin': {
      kind: 'flag',
      describe:
        'Takes an access token, API key or cookie from standard input: is it good, and if not, why. It is stored nowhere.',
    },
    address: {
      kind: 'text',
      value: 'address',
      describe: 'Where an API key of standard input is shown from. Without it, that is not asked.',
    },
    permission: { kind: 'text', value: 'name', describe: 'What it is about, such as posts:moderate.' },
    request: {
      kind: 'text',
      value: 'id',
      describe:
        'Alone: what is known of a request by the request_id of its answer, of the audit events and of LOG_FILE.',
    },
  },
  example: 'explain --user bob --permission users:write',
  run: async ({ user, permission, address, request, 'token-stdin': fromStdin }) => {
    const asked = { user, permission, address, request, fromStdin }
    if (request !== undefined) {
      checkAlone(asked)
      return (await import('./explain-request.ts')).explainRequest(request)
    }
    check(asked)
    const token = fromStdin ? await readSecretLine(process.stdin, 'token') : undefined
    return withEngine('must exist', engine => ask(engine, { user, token, permission, address }))
  },
})
