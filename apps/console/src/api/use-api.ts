import { createContext, useContext } from 'react'
import type { PageSettings } from '../page-settings.ts'
import type { Api } from './api.ts'

type Server = { readonly api: Api; readonly settings: PageSettings }

export const ServerContext = createContext<Server | undefined>(undefined)

const useServer = (): Server => {
  const server = useContext(ServerContext)
  if (server === undefined) throw new TypeError('the server is reached inside a ServerContext')
  return server
}

export const useApi = (): Api => useServer().api
export const usePageSettings = (): PageSettings => useServer().settings
