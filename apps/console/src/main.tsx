import './console.css'
import { Badge, createTheme, MantineProvider } from '@mantine/core'
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createRoot } from 'react-dom/client'
import { createApi } from './api/api.ts'
import { isOver } from './api/refused.ts'
import { ServerContext } from './api/use-api.ts'
import { App } from './app.tsx'
import { readNonce, readPageSettings } from './page-settings.ts'
import { currentKey } from './session.ts'
import { StepUpProvider } from './step-up.tsx'
import { TextsProvider } from './texts/use-texts.tsx'

const theme = createTheme({
  respectReducedMotion: true,
  cursorType: 'pointer',
  defaultRadius: 'md',
  components: { Badge: Badge.extend({ defaultProps: { tt: 'none' } }) },
})

/** Whatever finds out that the session has ended, everything knows it then. */
const forgetUser = (error: unknown): void => {
  if (isOver(error)) queryClient.setQueryData(currentKey, null)
}

// Nothing is kept of a view that is closed, and nothing is repeated without being asked for.
const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: forgetUser }),
  mutationCache: new MutationCache({ onError: forgetUser }),
  defaultOptions: {
    queries: { retry: false, gcTime: 0, networkMode: 'always' },
    mutations: { networkMode: 'always' },
  },
})

const settings = readPageSettings()
const server = { api: createApi(settings.mount), settings }

// The dialog keeps the page behind it from scrolling by a style; its library takes the nonce from here.
Object.assign(globalThis, { __webpack_nonce__: readNonce() })

const root = document.getElementById('root')
if (root === null) throw new TypeError('the page has no root')

// Theme and classes are files of ours (console.css): nothing is written into a <style> as text.
createRoot(root).render(
  <ServerContext value={server}>
    <QueryClientProvider client={queryClient}>
      <MantineProvider
        theme={theme}
        defaultColorScheme="auto"
        withCssVariables={false}
        withGlobalClasses={false}
        getStyleNonce={readNonce}
      >
        <TextsProvider>
          <StepUpProvider>
            <App />
          </StepUpProvider>
        </TextsProvider>
      </MantineProvider>
    </QueryClientProvider>
  </ServerContext>,
)
