import { useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, useCallback, useContext, useEffect } from 'react'
import type { Current, Registration, User } from './api/answers.ts'
import { useApi } from './api/use-api.ts'
import { navigate } from './router.ts'

export const currentKey = ['current'] as const

/** One for hearing and saying: what this tab says it does not hear itself. */
const otherTabs = new BroadcastChannel('gatewright-session')

/** Who is signed in: undefined while it is not known, null for nobody. */
export const useCurrent = () => {
  const api = useApi()
  return useQuery<Current | null>({ queryKey: currentKey, queryFn: api.findCurrent })
}

export const UserContext = createContext<User | undefined>(undefined)

/** Whoever is signed in, in a view for users. */
export const useUser = (): User => {
  const user = useContext(UserContext)
  if (user === undefined) throw new TypeError('this view is for users')
  return user
}

/** Tells every other tab of this browser that somebody signed in or out, or that the session was renewed. */
export const tellOtherTabs = (): void => otherTabs.postMessage('changed')

/** After a change of the session: the other tabs ask again, and so does this one. */
export const useSessionChanged = (): (() => Promise<void>) => {
  const client = useQueryClient()
  return useCallback(() => {
    tellOtherTabs()
    return client.invalidateQueries()
  }, [client])
}

/** Signs somebody in who has just become a user. Where that is refused, the sign-in is where it goes on. */
export const useSignInAfter = (): ((registration: Registration) => Promise<void>) => {
  const api = useApi()
  const sessionChanged = useSessionChanged()
  return async ({ username, password }) => {
    try {
      await api.signIn(username, password)
    } catch {
      return navigate('/sign-in', { replace: true, memory: { notice: 'accountMade' } })
    }
    await sessionChanged()
    navigate('/me', { replace: true })
  }
}

/** Asks again when another tab says so, and when a person comes back to this one. */
export const useOtherTabs = (): void => {
  const client = useQueryClient()
  useEffect(() => {
    const askAgain = (): void => void client.invalidateQueries()
    otherTabs.addEventListener('message', askAgain)
    addEventListener('focus', askAgain)
    return () => {
      otherTabs.removeEventListener('message', askAgain)
      removeEventListener('focus', askAgain)
    }
  }, [client])
}
