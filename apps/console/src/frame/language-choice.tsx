import { NativeSelect } from '@mantine/core'
import { isLanguage, languages } from '../texts/languages.ts'
import { useTexts } from '../texts/use-texts.tsx'

const choices = Object.entries(languages).map(([value, { name: label }]) => ({ value, label }))

export const LanguageChoice = () => {
  const { language, setLanguage, text } = useTexts()
  return (
    <NativeSelect
      aria-label={text('language')}
      size="sm"
      data={choices}
      value={language}
      onChange={({ currentTarget: { value } }) => isLanguage(value) && setLanguage(value)}
    />
  )
}
