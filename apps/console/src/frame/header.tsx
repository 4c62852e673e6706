import { usePageSettings } from '../api/use-api.ts'
import mark from '../mark.svg'
import { ColourScheme } from './colour-scheme.tsx'
import styles from './frame.module.css'
import { LanguageChoice } from './language-choice.tsx'

export const Header = () => {
  const { app_name: name } = usePageSettings()
  return (
    <header className={styles.header}>
      <span className={styles.brand}>
        <img src={mark} alt="" width="28" height="28" />
        <span className={styles.name}>{name}</span>
      </span>
      <LanguageChoice />
      <ColourScheme />
    </header>
  )
}
