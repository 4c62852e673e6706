import { useEffect, useRef } from 'react'
import { useApi } from './api/use-api.ts'
import { findElsewhere } from './elsewhere.ts'
import { focusHeading } from './frame/focus.ts'
import styles from './frame/frame.module.css'
import { Header } from './frame/header.tsx'
import { Page, Unreachable, Waiting } from './frame/page.tsx'
import { navigate, usePath } from './router.ts'
import { useCurrent, useOtherTabs } from './session.ts'
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
  const api = useApi()
  const { data: current, error, refetch } = useCurrent()
  const wasSignedIn = useRef(false)
  if (current) wasSignedIn.current = true
  const elsewhere = findElsewhere({
    path,
    view,
    current,
    wasSignedIn: wasSignedIn.current,
    ended: api.findEnd(),
  })
  useEffect(() => {
    if (elsewhere) navigate(elsewhere.path, { replace: true, memory: elsewhere.memory })
  }, [elsewhere])
  if (view.audience === 'everyone') return <Page view={view} user={current} />
  if (current === undefined && error) return <Unreachable error={error} onRetry={refetch} />
  if (current === undefined || elsewhere) return <Waiting />
  // Another person begins anew: nothing of the one before is left in a view.
  return <Page key={current?.user.id} view={view} user={current} />
}
