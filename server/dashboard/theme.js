// Dark or light: what the system says, until somebody says otherwise here.

const KEY = 'proctor-theme';
const system = matchMedia('(prefers-color-scheme: light)');

function chosen() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    // A browser that keeps nothing follows the system.
    return null;
  }
}

// `changed` is told after each change by the system.
export function watchTheme(changed) {
  const theme = chosen();
  if (theme === 'dark' || theme === 'light') {
    document.documentElement.dataset.theme = theme;
  }
  system.addEventListener('change', changed);
}

export function toggleTheme() {
  const {dataset} = document.documentElement;
  dataset.theme =
    (dataset.theme ?? (system.matches ? 'light' : 'dark')) === 'light' ? 'dark' : 'light';
  try {
    localStorage.setItem(KEY, dataset.theme);
  } catch {
    // Then it lasts as long as the page.
  }
}
