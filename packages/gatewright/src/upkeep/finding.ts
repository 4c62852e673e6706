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
