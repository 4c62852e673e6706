import { Link } from '../forms/link.tsx'
import { Warning } from '../forms/notice.tsx'
import { useTexts } from '../texts/use-texts.tsx'

/** Stands in place of whatever a mail is needed for, where none is sent. */
export const NoMail = () => {
  const { text } = useTexts()
  return (
    <>
      <Warning>{text('noMail')}</Warning>
      <Link to="/me">{text('toAccount')}</Link>
    </>
  )
}
