import { filterOptions, toFilter } from './audit-list.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'

/** Nobody but its owner reads it, and what is there already stays. */
const createOptions = { flags: 'wx', mode: 0o600 } as const

export const auditExport = defineCommand({
  name: 'audit export',
  summary:
    'Writes the audit log to a file as JSON Lines: the whole of it as “audit verify” takes it, or a part by a filter.',
  parameters: {},
  options: {
    to: { kind: 'text', value: 'file', required: true, describe: 'The file, which must not be there yet.' },
    personal: {
      kind: 'flag',
      describe: 'With what is about people: addresses, names of keys, what administrators wrote.',
    },
    ...filterOptions,
  },
  example: 'audit export --to audit.jsonl --personal',
  run: async ({ to, personal: withPersonal, ...asked }) => {
    const filter = toFilter(asked)
    const { createWriteStream } = await import('node:fs')
    const { Readable } = await import('node:stream')
    const { pipeline } = await import('node:stream/promises')
    const { exportAudit } = await import('../administration/export-audit.ts')
    const { auditEvents: events } = await import('../audit/events.ts')
    const { commandLineOrigin } = await import('../audit/record.ts')
    let lines = 0
    await withEngine('must exist', async engine => {
      // Before anything is read or recorded it is found out whether the file can be made.
      const file = createWriteStream(to, createOptions)
      await new Promise((resolve, reject) => file.once('open', resolve).once('error', reject))
      const source = await exportAudit({ ...engine, events }, { filter, withPersonal }, commandLineOrigin)
      const counted = async function* () {
        for await (const line of source) {
          lines += 1
          yield line
        }
      }
      await pipeline(Readable.from(counted()), file)
    })
    return { text: `Wrote ${lines} lines to ${to}.`, json: { file: to, lines } }
  },
})
