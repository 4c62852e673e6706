import type { Outcome } from './play.ts'

type Advice = { readonly applies: (outcome: Outcome) => boolean; readonly says: string }

const isRegistration = ({ path }: Outcome): boolean => path.endsWith('/register')

/** The first that applies. */
const table: readonly Advice[] = [
  {
    applies: ({ status = 0 }) => status >= 300 && status < 400,
    says: 'Redirects are not followed: write the address that it leads to.',
  },
  { applies: ({ status }) => status === 429, says: 'A limit was reached: wait, and try again.' },
  {
    applies: outcome => isRegistration(outcome) && outcome.status === 403,
    says: 'Nobody may register here: give a user that is there, by --username and --password-stdin.',
  },
  {
    applies: outcome => isRegistration(outcome) && outcome.status === 400,
    says: 'A registration needs more here than a name and a password: give a user that is there, by --username and --password-stdin.',
  },
  {
    applies: ({ code }) => code === 'mfa_required' || code === 'password_change_required',
    says: 'This user needs more than a password: give one without a second factor, whose password is the final one.',
  },
  {
    applies: ({ code }) => code === 'invalid_credentials',
    says: 'The name or the password is wrong, the user is disabled, or there were too many wrong passwords.',
  },
  {
    applies: ({ step, status }) => step.startsWith('no token') && status === 404,
    says: 'The routes of the gate stand elsewhere: write --mount with the path before /login.',
  },
  {
    applies: ({ status = 0 }) => status >= 500,
    says: 'Look at /readyz and into the logs, of the proxy as well.',
  },
  {
    applies: ({ step, status = 0 }) => / is refused$/.test(step) && status >= 200 && status < 300,
    says: 'What has ended is still taken: nothing may be released like that. An answer may come from a cache, or a process does not hear of sign-outs.',
  },
]

/** What to do about a step that failed, where that is known. */
export const adviseOn = (outcome: Outcome): string | undefined =>
  table.find(({ applies }) => applies(outcome))?.says
