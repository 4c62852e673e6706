import { Button, Loader, Stack } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'
import type { Current } from './api/api.ts'
import { usePageSettings } from './api/use-api.ts'
import { findElsewhere } from './elsewhere.ts'
import { ProblemNotice } from './forms/problem-notice.tsx'
import { focusHeading, headingId } from './frame/focus.ts'
import styles from './frame/frame.module.css'
import { Header } from './frame/header.tsx'
import { Navigation } from './frame/navigation.tsx'
import { navigate, usePath } from './router.ts'
import { UserContext, useCurrent, useOtherTabs } from './session.ts'
import { useTexts } from './texts/use-texts.tsx'
import { findView, type View } from './views.tsx'

/** The frame of every view, and the view of the address. */
export const App = () => {
  const { text } = useTexts()
  const path = usePath()
  useOtherTabs()
  return (
    <div className={styles.page}>
      <button type="button" className={styles.skip} onClick={focusHeading}>
        {text('skip')}
      </button>
      <Header />
      <Guarded key={path} path={path} view={findView(path)} />
    </div>
  )
}

type GuardedProps = { readonly path: string; readonly view: View }

/** A view for those whom it is for; the others are sent to where they can go on. */
const Guarded = ({ path, view }: GuardedProps) => {
  const { data: current, error, refetch } = useCurrent()
  const wasSignedIn = useRef(false)
  if (current) wasSignedIn.current = true
  const elsewhere = findElsewhere({ path, view, current, wasSignedIn: wasSignedIn.current })
  useEffect(() => {
    if (elsewhere) navigate(elsewhere.path, { replace: true, memory: elsewhere.memory })
  }, [elsewhere])
  if (view.audience === 'everyone') return <Page view={view} user={current} />
  if (current === undefined && error) return <Unreachable error={error} onRetry={refetch} />
  if (current === undefined || elsewhere) return <Waiting />
  return <Page view={view} user={current} />
}

let isFirst = true

/** One view with its heading, where reading goes on after each change of the address. */
const Page = ({
  view,
  user: current,
}: {
  readonly view: View
  readonly user: Current | null | undefined
}) => {
  const { text } = useTexts()
  const { app_name: name } = usePageSettings()
  const title = text(view.title)
  useEffect(() => {
    document.title = `${title} · ${name}`
  }, [title, name])
  useEffect(() => {
    if (!isFirst) focusHeading()
    isFirst = false
  }, [])
  const content = (
    <div className={styles.card}>
      <h1 id={headingId} className={styles.heading} tabIndex={-1}>
        {title}
      </h1>
      <view.Content />
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

const Waiting = () => {
  const { text } = useTexts()
  return (
    <Narrow>
      <Loader aria-label={text('loading')} role="status" />
    </Narrow>
  )
}

const Unreachable = ({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) => {
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
