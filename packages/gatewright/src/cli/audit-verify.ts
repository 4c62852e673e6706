import type { ChainSource } from '../sealing/verify/entry.ts'
import type { Fault } from '../sealing/verify/fault.ts'
import type { Verdict } from '../sealing/verify/pass.ts'
import { defineCommand, WrongUse } from './command.ts'

type Input = { readonly database: string | undefined; readonly export: string | undefined }

const urlOf = (database: string): string => (/^[a-z]+:/.test(database) ? database : `sqlite:${database}`)

/** Runs `use` on the chain of a database, which is only read, or of an export. */
const withSource = async <T>(input: Input, use: (source: ChainSource) => Promise<T>): Promise<T> => {
  if (input.export !== undefined) {
    const { openExportSource } = await import('../sealing/verify/export-source.ts')
    return use(await openExportSource(input.export))
  }
  const { loadStartSettings } = await import('../ground/start-settings.ts')
  const { findDatabase } = await import('../storage/find-database.ts')
  const { openDatabase } = await import('../storage/database.ts')
  const { openDatabaseSource } = await import('../sealing/verify/database-source.ts')
  const url = input.database === undefined ? loadStartSettings().settings.databaseUrl : urlOf(input.database)
  await findDatabase(url)
  const db = openDatabase(url, { pool: 1, longestQuery: 0 })
  try {
    return await use(await openDatabaseSource(db))
  } finally {
    await db.destroy()
  }
}

/** How often is said how far it has come, where somebody sees it. */
const progressEvery = 100_000

const showProgress = (): ((position: number) => void) | undefined => {
  if (!process.stderr.isTTY) return undefined
  let said = 0
  return position => {
    if (position - said < progressEvery) return
    said = position
    process.stderr.write(`verified to position ${position}\n`)
  }
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`

const toFaultLines = ({ kind, what }: Fault): string => `${kind}: ${what}`

const endOf = ({ position, anchored }: Verdict): string =>
  anchored === undefined
    ? `complete to position ${position} by its own word: whoever holds the database could have made all of it anew`
    : `complete to position ${anchored.position}, as a checkpoint of ${anchored.at} from outside says${
        position > anchored.position ? `, and to position ${position} by its own word` : ''
      }`

const toText = (verdict: Verdict, faultText: (fault: Fault) => string): string => {
  const { faults, faultCount, events, beginning, erased, waiting, restores, lost } = verdict
  const facts = [
    `${plural(events, 'event')} from position ${beginning}`,
    plural(verdict.checkpoints, 'checkpoint'),
    ...(erased > 0 ? [`${plural(erased, 'event')} with erased personal fields`] : []),
    ...(waiting > 0 ? [`${waiting} not sealed yet`] : []),
    ...restores.map(({ position }) => `a restore at position ${position}`),
    ...lost.map(({ position, from, to }) => `lost by the restore at ${position}: positions ${from} to ${to}`),
  ]
  const first = faults[0]
  if (first === undefined) return `${endOf(verdict)}.\n${facts.join('; ')}.`
  return [
    `The first bad entry is at position ${first.position}${first.eventId === undefined ? '' : `, event ${first.eventId}`}: ${toFaultLines(first)}.`,
    faultText(first),
    ...faults.slice(1, 20).map(fault => `  position ${fault.position}: ${toFaultLines(fault)}`),
    ...(faultCount > 20 ? [`  and ${faultCount - 20} more`] : []),
    `${facts.join('; ')}.`,
  ].join('\n')
}

const toJson = (verdict: Verdict) => {
  const { beginning, position, events, checkpoints, erased, waiting, anchored, restores, lost } = verdict
  return {
    beginning,
    position,
    events,
    checkpoints,
    erased,
    waiting,
    anchored: anchored ?? null,
    by: anchored === undefined ? 'its own word' : 'a checkpoint from outside',
    restores: restores.map(restore => restore.position),
    lost: lost.map(({ position: restore, from, to }) => ({ restore, from, to })),
    fault_count: verdict.faultCount,
    faults: verdict.faults.map(({ kind, position: at, eventId, what }) => ({
      kind,
      position: at,
      event_id: eventId ?? null,
      what,
    })),
  }
}

const toPositions = (texts: readonly string[]): readonly number[] =>
  texts.map(text => {
    if (!/^\d{1,15}$/.test(text)) throw new WrongUse('--restored takes the position of a recorded restore')
    return Number(text)
  })

export const auditVerify = defineCommand({
  name: 'audit verify',
  summary:
    'Checks that nothing recorded was changed, removed, put in or moved, and names the first bad entry. Needs no server and no secret.',
  parameters: {},
  options: {
    database: {
      kind: 'text',
      value: 'file or address',
      describe: 'the database to check; that of the settings without a word',
    },
    export: { kind: 'text', value: 'file', describe: 'a whole export to check, in place of a database' },
    anchor: {
      kind: 'text',
      value: 'file',
      describe:
        'checkpoints that have left the machine (the file of AUDIT_ANCHOR, or a log): only with it a cut-off end, or a chain made anew, is seen',
    },
    restored: {
      kind: 'texts',
      value: 'position',
      describe: 'a recorded restore that you know of: what it has lost is told, and is no fault',
    },
  },
  example: 'audit verify --anchor checkpoints.jsonl',
  run: async ({ database, export: file, anchor: anchorFile, restored }) => {
    if (database !== undefined && file !== undefined)
      throw new WrongUse('write either --database or --export')
    const { verifyChain } = await import('../sealing/verify/verify-chain.ts')
    const { readAnchor } = await import('../sealing/verify/anchor.ts')
    const { faultKinds } = await import('../sealing/verify/fault.ts')
    const { systemClock } = await import('../ground/clock.ts')
    const knownRestores = toPositions(restored)
    const anchor = anchorFile === undefined ? undefined : await readAnchor(anchorFile)
    const onProgress = showProgress()
    const verdict = await withSource({ database, export: file }, source =>
      verifyChain({
        source,
        anchor,
        knownRestores,
        now: systemClock.now(),
        ...(onProgress && { onProgress }),
      }),
    )
    return {
      text: toText(verdict, ({ kind }) => faultKinds[kind]),
      json: toJson(verdict),
      exitCode: verdict.faultCount === 0 ? 0 : 1,
    }
  },
})
