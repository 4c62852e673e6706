import { readFileSync, readlinkSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'
import { sha256 } from '../ground/encoding.ts'

/** Where a process runs. Two with one `id` reach each other's loopback addresses. */
export type Machine = { readonly id: string; readonly host: string }

const tryRead = (read: () => string): string | undefined => {
  try {
    return read().trim()
  } catch {
    return undefined
  }
}

/** The kernel since its start, and the network that a container may have for itself. */
const readLinux = (): readonly string[] | undefined => {
  const boot = tryRead(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'))
  const network = tryRead(() => readlinkSync('/proc/self/ns/net'))
  return boot === undefined || network === undefined ? undefined : [boot, network]
}

const readHardwareAddresses = (): readonly string[] => {
  const all = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
  return [...new Set(all.filter(({ internal }) => !internal).map(({ mac }) => mac))].sort()
}

/**
 * This machine. By its name alone it could not be told: copies of a machine often share it, and so do
 * files such as /etc/machine-id. In doubt two count as different machines, which is the stricter side. What is
 * kept is a hash.
 */
export const readMachine = (): Machine => {
  const host = hostname()
  return { id: sha256(['machine', host, ...(readLinux() ?? readHardwareAddresses())].join('\0')), host }
}
