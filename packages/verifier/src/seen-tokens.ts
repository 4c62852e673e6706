import type { AccessToken } from './access-token.ts'

/** Tokens whose signature was found good, by their whole text. */
export type SeenTokens = {
  readonly find: (text: string) => AccessToken | undefined
  readonly remember: (text: string, token: AccessToken) => void
  readonly count: () => number
}

const most = 10_000
/** A usual token has some 600 characters: what is far longer is looked at anew each time. */
const longest = 2_048

/** Bounded: the oldest goes first. Some 20 MB at most. */
export const createSeenTokens = (): SeenTokens => {
  const tokens = new Map<string, AccessToken>()
  return {
    find: text => tokens.get(text),
    remember: (text, token) => {
      if (text.length > longest) return
      tokens.set(text, token)
      if (tokens.size <= most) return
      const [oldest] = tokens.keys()
      if (oldest !== undefined) tokens.delete(oldest)
    },
    count: () => tokens.size,
  }
}
