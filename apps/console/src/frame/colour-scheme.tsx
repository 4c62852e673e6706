import { ActionIcon, type MantineColorScheme, useMantineColorScheme } from '@mantine/core'
import type { ComponentType } from 'react'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { DeviceIcon, MoonIcon, SunIcon } from './icons.tsx'

type Scheme = {
  readonly name: TextName
  readonly Icon: ComponentType
  readonly next: MantineColorScheme
}

const schemes: Readonly<Record<MantineColorScheme, Scheme>> = {
  auto: { name: 'coloursAuto', Icon: DeviceIcon, next: 'light' },
  light: { name: 'coloursLight', Icon: SunIcon, next: 'dark' },
  dark: { name: 'coloursDark', Icon: MoonIcon, next: 'auto' },
}

/** Says which colours are used, and takes the next ones when pressed. */
export const ColourScheme = () => {
  const { text } = useTexts()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const { name, Icon, next } = schemes[colorScheme]
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={text(name)}
      title={text(name)}
      onClick={() => setColorScheme(next)}
    >
      <Icon />
    </ActionIcon>
  )
}
