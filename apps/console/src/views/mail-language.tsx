import { NativeSelect, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useApi } from '../api/use-api.ts'
import { ProblemNotice } from '../forms/problem-notice.tsx'
import { currentKey, useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** By the tag of the API, each in the language itself. */
const languages = [
  { value: 'en', label: 'English' },
  { value: 'zh-CN', label: '简体中文' },
  { value: 'zh-TW', label: '繁體中文' },
]

/** In which language mail is written to whoever is signed in. */
export const MailLanguage = () => {
  const { text } = useTexts()
  const api = useApi()
  const client = useQueryClient()
  const { locale } = useUser()
  const change = useMutation({
    mutationFn: api.changeLocale,
    onSuccess: () => client.invalidateQueries({ queryKey: currentKey }),
  })
  return (
    <>
      <NativeSelect
        aria-label={text('mailLanguage')}
        data={languages}
        value={change.isPending ? change.variables : locale}
        onChange={({ currentTarget: { value } }) => change.mutate(value)}
      />
      <Text role="status" size="sm">
        {change.isSuccess && text('saved')}
      </Text>
      <ProblemNotice error={change.error} />
    </>
  )
}
