import { Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { usePageSettings } from '../api/use-api.ts'
import { Link } from '../forms/link.tsx'
import { Notice } from '../forms/notice.tsx'
import { focusHeading } from '../frame/focus.ts'
import { readMemory } from '../router.ts'
import { FirstStep, type HalfSignedIn } from '../sign-in/first-step.tsx'
import { SecondStep } from '../sign-in/second-step.tsx'
import { useTexts } from '../texts/use-texts.tsx'

/** How far a sign-in has come: what was written stays when it begins again. */
type Progress = { readonly username: string; readonly half?: HalfSignedIn; readonly isOver?: boolean }

/** Signs in, and goes back to where somebody was who had to. */
export const SignIn = () => {
  const { text } = useTexts()
  const { awaits_administrator: awaitsAdministrator } = usePageSettings()
  const { notice } = readMemory()
  const [{ username, half, isOver = false }, setProgress] = useState<Progress>({ username: '' })
  const beginAgain = (wasOver: boolean): void => {
    setProgress({ username: half?.username ?? '', isOver: wasOver })
    focusHeading()
  }
  if (half) return <SecondStep half={half} onBack={beginAgain} />
  return (
    <>
      {isOver && <Notice>{text('signInOver')}</Notice>}
      {notice !== undefined && username === '' && <Notice>{text(notice)}</Notice>}
      {awaitsAdministrator && <Notice>{text('signInFirst')}</Notice>}
      <FirstStep
        username={username}
        onHalf={found => setProgress({ username: found.username, half: found })}
      />
      <OtherWays />
    </>
  )
}

/** For whoever can't sign in, or not yet. */
const OtherWays = () => {
  const { text } = useTexts()
  const { registration } = usePageSettings()
  return (
    <Stack gap="xs">
      <Text size="sm">
        <Link to="/forgot">{text('forgotTitle')}</Link>
      </Text>
      {registration === 'open' && (
        <Text size="sm">
          {text('signInNew')} <Link to="/register">{text('signInRegister')}</Link>
        </Text>
      )}
    </Stack>
  )
}
