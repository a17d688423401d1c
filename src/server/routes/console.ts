/** The console's files. They need no key; all that they ask of the service does. */
import type { Route } from '../call.js'
import { ConsoleFiles } from '../console-files.js'
import { FileBody, PlainBody } from '../respond.js'

const PAGE = '/dashboard'

export function consoleRoutes(pictureHosts: readonly string[]): Route[] {
  const files = new ConsoleFiles(pictureHosts)
  const open = { method: 'GET', access: 'open', scope: 'listed', work: 'light' } as const
  const file = async (path: string) => new FileBody(await files.get(path))
  return [
    // Relative, so that it also holds behind a path of a proxy.
    { ...open, path: PAGE, run: () => new PlainBody('', 302, 'text/plain', { location: 'dashboard/' }) },
    { ...open, path: `${PAGE}/`, run: () => file('index.html') },
    { ...open, path: `${PAGE}/:file`, run: (call) => file(call.param('file')) },
    { ...open, path: `${PAGE}/assets/:file`, run: (call) => file(`assets/${call.param('file')}`) },
  ]
}
