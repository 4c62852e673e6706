/** `problem`: mend it, something is open, broken or will not start. `warning`: look at it. */
export type Level = 'ok' | 'warning' | 'problem'

/** What a check found; and where that is not well, what it means and what to do, in one line each. */
export type Finding =
  | { readonly level: 'ok'; readonly found: string }
  | {
      readonly level: 'warning' | 'problem'
      readonly found: string
      readonly means: string
      readonly do: string
    }

export const ok = (found: string): Finding => ({ level: 'ok', found })

export type Trouble = { readonly found: string; readonly means: string; readonly do: string }
export const warning = (trouble: Trouble): Finding => ({ level: 'warning', ...trouble })
export const problem = (trouble: Trouble): Finding => ({ level: 'problem', ...trouble })

/** Several as one, of the worst of their levels; undefined where there is none. */
export const together = (all: readonly (Finding | undefined)[]): Finding | undefined => {
  const troubles = all.filter(finding => finding !== undefined && finding.level !== 'ok')
  const worst = troubles.find(({ level }) => level === 'problem') ?? troubles[0]
  if (worst === undefined) return undefined
  const join = (part: keyof Trouble, between: string): string =>
    [...new Set(troubles.map(trouble => trouble[part]))].join(between)
  return { level: worst.level, found: join('found', '; '), means: join('means', ' '), do: join('do', ' ') }
}
