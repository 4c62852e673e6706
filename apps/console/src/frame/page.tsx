import { Button, Loader, Stack } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'
import type { Current } from '../api/answers.ts'
import { usePageSettings } from '../api/use-api.ts'
import { ProblemNotice } from '../forms/problem-notice.tsx'
import { UserContext } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { Forbidden } from '../views/forbidden.tsx'
import { NoMail } from '../views/no-mail.tsx'
import type { View } from '../views.tsx'
import { focusHeading, headingId } from './focus.ts'
import styles from './frame.module.css'
import { Navigation } from './navigation.tsx'

let isFirst = true

type PageProps = { readonly view: View; readonly user: Current | null | undefined }

/** One view with its heading, where reading goes on after each change of the address. */
export const Page = ({ view, user: current }: PageProps) => {
  const { text } = useTexts()
  const { app_name: name, sends_mail: sendsMail } = usePageSettings()
  const title = text(view.title)
  useEffect(() => {
    document.title = `${title} · ${name}`
  }, [title, name])
  useEffect(() => {
    if (!isFirst) focusHeading()
    isFirst = false
  }, [])
  const isForbidden = view.needs !== undefined && !current?.user.permissions.includes(view.needs)
  const Content = isForbidden ? Forbidden : view.needsMail && !sendsMail ? NoMail : view.Content
  const content = (
    <div className={styles.card}>
      <h1 id={headingId} className={styles.heading} tabIndex={-1}>
        {title}
      </h1>
      <Content />
    </div>
  )
  return view.audience === 'user' && current ? (
    <UserContext value={current.user}>
      <div className={`${styles.main} ${styles.wide}`}>
        <Navigation />
        <main>{content}</main>
      </div>
    </UserContext>
  ) : (
    <Narrow>{content}</Narrow>
  )
}

const Narrow = ({ children }: { readonly children: ReactNode }) => (
  <main className={`${styles.main} ${styles.narrow}`}>{children}</main>
)

/** While it is not known who is signed in. */
export const Waiting = () => {
  const { text } = useTexts()
  return (
    <Narrow>
      <Loader aria-label={text('loading')} role="status" />
    </Narrow>
  )
}

/** Where it could not be found out who is signed in. */
export const Unreachable = ({
  error,
  onRetry,
}: {
  readonly error: unknown
  readonly onRetry: () => void
}) => {
  const { text } = useTexts()
  return (
    <Narrow>
      <Stack align="flex-start">
        <ProblemNotice error={error} />
        <Button onClick={onRetry}>{text('tryAgain')}</Button>
      </Stack>
    </Narrow>
  )
}
