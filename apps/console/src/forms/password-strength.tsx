import { Text } from '@mantine/core'
import { useEffect, useState } from 'react'
import type { Strength } from '../api/answers.ts'
import { useApi } from '../api/use-api.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { strengthAdvice } from './strength-advice.ts'

/** Milliseconds without a key after which the server is asked. */
const pause = 400

/** The server refuses below this. */
const leastScore = 3

type Candidate = { readonly password: string; readonly username?: string | undefined }

/** How easily it is guessed, once nobody has typed for a moment; undefined while it is not known. */
const useStrength = ({ password, username }: Candidate): Strength | undefined => {
  const api = useApi()
  const [strength, setStrength] = useState<Strength>()
  useEffect(() => {
    setStrength(undefined)
    if (password === '') return
    let isCurrent = true
    const tell = (found?: Strength): void => {
      if (isCurrent) setStrength(found)
    }
    // Whoever can't be told beforehand is told by the refusal.
    const timer = setTimeout(() => api.measurePassword(password, username).then(tell, () => tell()), pause)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [api, password, username])
  return strength
}

/**
 * Says whether a password is easy to guess and what would help, aloud as well. An empty password is asked about
 * nowhere.
 */
export const PasswordStrength = (candidate: Candidate) => {
  const { text } = useTexts()
  const strength = useStrength(candidate)
  const isGood = (strength?.score ?? 0) >= leastScore
  const advice = [strength?.warning ?? '', ...(strength?.suggestions ?? [])].map(told =>
    strengthAdvice.get(told),
  )
  const names = new Set(advice.filter(name => name !== undefined))
  return (
    <Text role="status" aria-live="polite" size="sm">
      {strength !== undefined && text(isGood ? 'strengthGood' : 'strengthWeak')}
      {!isGood && [...names].map(name => ` ${text(name)}`)}
    </Text>
  )
}
