import { useContext, useState } from 'preact/hooks'
import { Waiting } from '../parts/basics'
import { linkTo } from '../parts/place'
import { suffice } from '../service/access'
import { type Api, groupOf, type Route, readApi, routesOf } from '../service/openapi'
import { useAsked } from '../service/polled'
import { RightsOfTab } from '../service/rights'
import { OneRoute } from './api/one-route'

/** The service's own description of its API, each route of which can be tried. */
export function ApiPage({ asked }: { asked: string | null }) {
  const api = useAsked(readApi, [])
  const [part, setPart] = useState('')
  const rights = useContext(RightsOfTab)
  if (!api.value) return <Waiting of={api} />
  const routes = routesOf(api.value)
  const picked = routes.find((route) => nameOf(route) === asked)
  const words = part.toLowerCase()
  const found = routes.filter((route) => `${nameOf(route)} ${route.operation.summary}`.toLowerCase().includes(words))
  return (
    <>
      <h1>API</h1>
      <div class="routes">
        <nav aria-label="Routes">
          <input
            type="search"
            placeholder="Path or summary contains …"
            aria-label="Path or summary contains"
            value={part}
            onInput={(event) => setPart(event.currentTarget.value)}
          />
          {groups(found).map(([group, ofGroup]) => (
            <details key={group} open={part !== '' || ofGroup.some((route) => route === picked)}>
              <summary>
                {group} <span class="quiet">{ofGroup.length}</span>
              </summary>
              <ul>
                {ofGroup.map((route) => (
                  <li key={nameOf(route)}>
                    <a
                      href={linkTo(['api'], { route: nameOf(route) })}
                      aria-current={route === picked ? 'page' : undefined}
                    >
                      {nameOf(route)}
                    </a>
                    {!suffice(rights, route.operation['x-vicinal-access']) && (
                      <span class="quiet small"> refused to you</span>
                    )}
                  </li>
                ))}
              </ul>
            </details>
          ))}
        </nav>
        <Picked api={api.value} route={picked} />
      </div>
    </>
  )
}

function Picked({ api, route }: { api: Api; route: Route | undefined }) {
  if (route) return <OneRoute key={nameOf(route)} api={api} route={route} />
  return (
    <p class="quiet">
      Choose a route, to see its parameters and to send a request with the key of this tab. The same description is at{' '}
      <code>/openapi.json</code>.
    </p>
  )
}

function nameOf({ method, path }: Route): string {
  return `${method} ${path}`
}

function groups(routes: readonly Route[]): [string, Route[]][] {
  const byGroup = new Map<string, Route[]>()
  for (const route of routes) byGroup.set(groupOf(route), [...(byGroup.get(groupOf(route)) ?? []), route])
  return [...byGroup].sort(([a], [b]) => (a < b ? -1 : 1))
}
