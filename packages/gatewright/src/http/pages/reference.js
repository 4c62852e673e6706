const dark = matchMedia('(prefers-color-scheme: dark)')
const useTheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', useTheme)
useTheme()

// The CSRF token that an answer gave last: with a session cookie, what changes something must show it.
let csrfToken
const keepCsrfToken = response => {
  csrfToken = response.obj?.csrf_token ?? csrfToken
  return response
}
const showCsrfToken = request => {
  if (csrfToken !== undefined) request.headers['X-CSRF-Token'] ??= csrfToken
  return request
}

SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
  deepLinking: true,
  displayRequestDuration: true,
  requestInterceptor: showCsrfToken,
  responseInterceptor: keepCsrfToken,
  // What its defaults would ask other hosts, or read from the address.
  validatorUrl: null,
  queryConfigEnabled: false,
})
