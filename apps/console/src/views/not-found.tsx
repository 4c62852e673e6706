import { Text } from '@mantine/core'
import { Link } from '../forms/link.tsx'
import { useTexts } from '../texts/use-texts.tsx'

export const NotFound = () => {
  const { text } = useTexts()
  return (
    <>
      <Text>{text('notFoundIntro')}</Text>
      <Link to="/me">{text('toAccount')}</Link>
    </>
  )
}
