// Requests to an API, with `fetch`. It reaches what the workflow grants, and nothing else; the log says what was denied.

// An error of the contract is thrown as it is. Anything else that is thrown ends the instance.
export function fail(tag, val) {
  throw { tag, val };
}

// An option that this kind of the plugin cannot do without. `open` checks the options and sends nothing.
export function option(config, name) {
  const value = JSON.parse(config)[name];
  if (typeof value !== 'string' || value === '') fail('invalid-config', `/${name}: is missing`);
  return value;
}

// An answer, whatever its status. A redirect is one, too: following it is a new request.
export async function request(method, url) {
  try {
    return await fetch(url, { method, headers: { accept: 'application/json' } });
  } catch (error) {
    return fail('unavailable', `${method} ${url}: ${error.message}`);
  }
}

// What an answer that is not the one that was hoped for means to the host: whether it asks again.
export function refuse(response) {
  const { status } = response;
  if (status === 401 || status === 403) fail('unauthorized', `refused with status ${status}`);
  if (status === 404) fail('not-found', 'not found');
  if (status === 429) fail('rate-limited', undefined);
  fail(status >= 500 ? 'unavailable' : 'fatal', `status ${status}`);
}
