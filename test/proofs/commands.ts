import { commandLine, runToEnd } from '../process/spawned-server.ts'
import type { Installation } from './installation.ts'
import { type Command, endAll, type Ledger, type User } from './ledger.ts'

const argumentsOf = (command: Command, { name }: User): readonly string[] =>
  command.what === 'role' ? ['user', 'role', name, ...command.roles] : ['user', 'disable', name]

/** What holds of the user once the command has said that it is done. */
const note = (ledger: Ledger, user: User, command: Command): void => {
  if (command.what === 'role') user.roles = command.roles
  else {
    user.state = 'disabled'
    endAll(ledger, user)
  }
  delete user.askedCommand
  ledger.fresh.add(user)
}

/**
 * Runs a command of an administrator, as a process of its own beside the server.
 * @returns why it was not done, if it was not
 */
export const runCommand = async (
  { folder, env }: Installation,
  ledger: Ledger,
  user: User,
  command: Command,
): Promise<string | undefined> => {
  user.askedCommand = command
  const args = argumentsOf(command, user)
  const { code, signal, stderr } = await runToEnd(folder, { env, file: commandLine, args })
  if (code !== 0) return `${args.join(' ')}: ${signal ?? stderr}`
  note(ledger, user, command)
  return undefined
}
