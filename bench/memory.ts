import { readFileSync } from 'node:fs'

/** MiB; not a number where there is no /proc. */
export const memoryOf = (pid: number): { readonly resident: number; readonly peak: number } => {
  const read = (name: string): number => {
    try {
      const [, kibibytes] =
        new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
      return Number(kibibytes) / 1_024
    } catch {
      return Number.NaN
    }
  }
  return { resident: read('VmRSS'), peak: read('VmHWM') }
}
