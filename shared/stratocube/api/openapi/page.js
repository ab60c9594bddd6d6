// Shows the OpenAPI document with Swagger UI. The API key stays in this tab, as long as it is open.
"use strict";

(() => {
  const SCHEME = "apiKey";
  const KEPT = "stratocube-api-key";
  const place = document.getElementById("api");
  const root = place.dataset.root;

  const keepsKey = () => ({
    statePlugins: {
      auth: {
        wrapActions: {
          authorize: (original) => (payload) => {
            const key = payload[SCHEME] && payload[SCHEME].value;
            if (key) sessionStorage.setItem(KEPT, key);
            return original(payload);
          },
          logout: (original) => (names) => {
            sessionStorage.removeItem(KEPT);
            return original(names);
          },
        },
      },
    },
  });

  const ui = SwaggerUIBundle({
    domNode: place,
    url: `${root}/openapi.json`,
    deepLinking: true,
    filter: true,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [keepsKey],
    onComplete: () => {
      const key = sessionStorage.getItem(KEPT);
      if (key) ui.preauthorizeApiKey(SCHEME, key);
    },
  });
})();
