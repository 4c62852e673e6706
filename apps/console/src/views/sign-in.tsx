import { Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { tellEnd } from '../activity/own-story.ts'
import { isRefused, problemOf } from '../api/refused.ts'
import { usePageSettings } from '../api/use-api.ts'
import { Link } from '../forms/link.tsx'
import { Done, Notice } from '../forms/notice.tsx'
import { focusHeading } from '../frame/focus.ts'
import { NewPassword } from '../recovery/new-password.tsx'
import { readMemory } from '../router.ts'
import { FirstStep, type HalfSignedIn } from '../sign-in/first-step.tsx'
import { SecondStep } from '../sign-in/second-step.tsx'
import { useTexts } from '../texts/use-texts.tsx'

/** How far a sign-in has come: what was written stays when it begins again. */
type Progress = {
  readonly username: string
  readonly half?: HalfSignedIn
  readonly isOver?: boolean
  readonly isPasswordSet?: boolean
  readonly passwordToken?: string
}

/** Signs in, and goes back to where somebody was who had to. */
export const SignIn = () => {
  const { text, language, time } = useTexts()
  const { awaits_administrator: awaitsAdministrator } = usePageSettings()
  const { notice, ended } = readMemory()
  const [progress, setProgress] = useState<Progress>({ username: '' })
  const { username, half, isOver, isPasswordSet, passwordToken } = progress
  const goOn = (next: Progress): void => {
    setProgress(next)
    focusHeading()
  }
  const askForPassword = (error: unknown, of: string): void => {
    const { password_token: token } = problemOf(error)
    if (!isRefused(error, 'password_change_required') || token === undefined) return
    goOn({ username: of, passwordToken: token })
  }
  if (passwordToken !== undefined)
    return (
      <>
        <Notice>{text('passwordDueFirst')}</Notice>
        <NewPassword
          token={passwordToken}
          username={username}
          onDone={() => goOn({ username, isPasswordSet: true })}
          onOver={() => goOn({ username, isOver: true })}
        />
      </>
    )
  if (half)
    return (
      <SecondStep
        half={half}
        onBack={wasOver => goOn({ username: half.username, isOver: wasOver })}
        onPasswordDue={askForPassword}
      />
    )
  return (
    <>
      {isOver && <Notice>{text('signInOver')}</Notice>}
      {isPasswordSet && <Done>{text('resetDone')}</Done>}
      {notice !== undefined && username === '' && <Notice>{text(notice)}</Notice>}
      {ended !== undefined && username === '' && <Notice>{tellEnd({ language, time }, ended)}</Notice>}
      {awaitsAdministrator && <Notice>{text('signInFirst')}</Notice>}
      <FirstStep
        username={username}
        onHalf={found => setProgress({ username: found.username, half: found })}
        onPasswordDue={askForPassword}
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
