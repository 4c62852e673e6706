import type { Answer } from '../process/http-client.ts'

/** `name=value` of the session's cookie; a browser is given others besides. */
export const cookieOfSession = ({ headers }: Pick<Answer, 'headers'>): string => {
  const set = [headers['set-cookie'] ?? []].flat().map(line => line.split(';')[0] ?? '')
  return set.find(pair => /^(__Host-)?gw_session=/.test(pair)) ?? ''
}
