import { useEffect, useState } from 'react'

/** The token behind `#`. It leaves the address bar and the history at once. */
const takeToken = (): string => {
  const token = location.hash.slice(1)
  if (token !== '') history.replaceState(history.state, '', location.pathname)
  return token
}

/**
 * The token that a link carries after `#`, so that no server has logged it: undefined until it is read,
 * empty where there is none. Another link that is opened in the same tab is read as well.
 */
export const useLinkToken = (): string | undefined => {
  const [token, setToken] = useState<string>()
  useEffect(() => {
    const take = (): void => {
      const found = takeToken()
      setToken(known => (found === '' ? (known ?? '') : found))
    }
    take()
    addEventListener('hashchange', take)
    return () => removeEventListener('hashchange', take)
  }, [])
  return token
}
