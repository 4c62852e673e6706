import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useApi } from '../api/use-api.ts'
import { Link } from '../forms/link.tsx'
import { ProblemNotice } from '../forms/problem-notice.tsx'
import { leave, usePath } from '../router.ts'
import { tellOtherTabs, useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { findView, userPaths } from '../views.tsx'
import styles from './frame.module.css'

/** The own pages, who is signed in, and the way out. */
export const Navigation = () => {
  const { text } = useTexts()
  const { username } = useUser()
  const path = usePath()
  return (
    <nav className={styles.navigation} aria-label={text('account')}>
      <div className={styles.who}>{text('signedInAs', { username })}</div>
      <ul className={styles.links}>
        {userPaths.map(to => (
          <li key={to}>
            <Link to={to} className={styles.link} isCurrent={to === path}>
              {text(findView(to).title)}
            </Link>
          </li>
        ))}
      </ul>
      <SignOut />
    </nav>
  )
}

const SignOut = () => {
  const { text } = useTexts()
  const api = useApi()
  const signOut = useMutation({
    mutationFn: api.signOut,
    onSuccess: () => {
      tellOtherTabs()
      leave('/sign-in', { notice: 'signedOut' })
    },
  })
  return (
    <>
      <ProblemNotice error={signOut.error} />
      <Button variant="default" loading={signOut.isPending} onClick={() => signOut.mutate()}>
        {text('signOut')}
      </Button>
    </>
  )
}
