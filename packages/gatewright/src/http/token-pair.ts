import type { Engine } from '../compose.ts'
import { hashText } from '../gate/known-secrets.ts'
import { makeTokenPair, type TokenPair } from '../sessions/session-tokens.ts'

/** As {@link makeTokenPair}; from now on both tokens are known here. */
export const givePair = async (
  engine: Engine,
  begin: Parameters<typeof makeTokenPair>[1],
): Promise<TokenPair> => {
  const pair = await makeTokenPair(engine, begin)
  for (const token of [pair.access_token, pair.refresh_token]) engine.knownSecrets.add(hashText(token))
  return pair
}
