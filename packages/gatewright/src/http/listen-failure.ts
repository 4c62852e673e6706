import { codeOf } from '../ground/error-code.ts'
import { SettingsError } from '../ground/load-settings.ts'

type PortSetting = 'PORT' | 'METRICS_PORT'

const noAddress =
  'HOST is no address of this machine: write localhost, 0.0.0.0 for every IPv4 address, or an address that it has'

const lines: Readonly<Record<string, (name: PortSetting, port: number) => string>> = {
  EADDRINUSE: (name, port) =>
    `${name} ${port} is taken by another program: stop that one, or set ${name} to another number${name === 'PORT' ? ' (0 picks a free one)' : ''}`,
  EACCES: (name, port) =>
    `${name} ${port} may not be opened by this user: write a number above 1023, or let the process open it (CAP_NET_BIND_SERVICE)`,
  EADDRNOTAVAIL: () => noAddress,
  ENOTFOUND: () => noAddress,
  EAI_AGAIN: () => 'HOST can not be looked up now: write localhost, or an address that this machine has',
}

/** Why a port can't be listened on, as what to write; another error stays what it is. */
export const toListenFailure = (error: unknown, name: PortSetting, port: number): unknown => {
  const line = lines[codeOf(error)]?.(name, port)
  return line === undefined ? error : new SettingsError([line])
}
