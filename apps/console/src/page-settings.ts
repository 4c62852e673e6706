/** What the server wrote into the page. */
export type PageSettings = {
  readonly app_name: string
  /** Where the server takes sign-ins from: at another address each would be refused. */
  readonly public_url: string
  /** Where the account routes stand. */
  readonly mount: string
  /** Who may register: anybody, who was invited, or nobody. */
  readonly registration: 'open' | 'invite' | 'closed'
  readonly password_min_length: number
  /** Whether the server sends mail. Where it does not, whatever needs one says so, and what helps instead. */
  readonly sends_mail: boolean
  /** Nobody has set the server up yet; told on a machine of one's own only. */
  readonly awaits_administrator: boolean
}

export const readPageSettings = (): PageSettings =>
  JSON.parse(document.querySelector<HTMLMetaElement>('meta[name="gatewright"]')?.content ?? '{}')

/** For styles that a library adds at run time. Browsers hide it from selectors, not from scripts of ours. */
export const readNonce = (): string =>
  document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
