const dark = matchMedia('(prefers-color-scheme: dark)')
const useTheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', useTheme)
useTheme()

SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
  deepLinking: true,
  displayRequestDuration: true,
  // What its defaults would ask other hosts, or read from the address.
  validatorUrl: null,
  queryConfigEnabled: false,
})
