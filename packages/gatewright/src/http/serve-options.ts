import type { Application } from './app.ts'

export type ServeOptions = {
  /** Where the account routes stand. */
  readonly mount: string
  readonly application?: Application
  /** How the command line is called where this server runs, for the hints of the start. */
  readonly command?: string
}
