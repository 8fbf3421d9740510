{{/* The pod of both kinds of workload. It passes the "restricted" level of the Pod Security Standards. */}}
{{- define "onbill-origin.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  - {name: config, mountPath: /etc/onbill, readOnly: true}
  - {name: secrets, mountPath: /run/secrets/onbill, readOnly: true}
  {{- if eq .Values.database.kind "sqlite" }}
  - {name: ledger, mountPath: /var/lib/onbill}
  {{- end }}
  {{- if .Values.files.existingClaim }}
  - {name: files, mountPath: /var/spool/onbill}
  {{- end }}
{{- end }}

{{- define "onbill-origin.pod" -}}
metadata:
  labels:
    {{- include "onbill-origin.labels" . | nindent 4 }}
  annotations:
    # A changed configuration starts the pods again.
    checksum/config: {{ .Values.config | sha256sum }}
spec:
  # It never talks to Kubernetes.
  automountServiceAccountToken: false
  enableServiceLinks: false
  # 5 s until no new call comes, then 14 s at most until the origin has ended, and the rest.
  terminationGracePeriodSeconds: 30
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.initLedger }}
  initContainers:
    - name: init
      args: [init]
      {{- include "onbill-origin.container" . | nindent 6 }}
  {{- end }}
  containers:
    - name: origin
      args: [serve]
      {{- include "onbill-origin.container" . | nindent 6 }}
      ports:
        - {name: http, containerPort: 8788}
        - {name: metrics, containerPort: 9464}
      # Probes ask the admin listener: it has connections of its own, and answers until the end.
      # A start may migrate the database, and listens after that: an hour.
      startupProbe:
        httpGet: {path: /livez, port: metrics}
        periodSeconds: 5
        failureThreshold: 720
      livenessProbe:
        httpGet: {path: /livez, port: metrics}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: {path: /readyz, port: metrics}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 1
      lifecycle:
        preStop: {sleep: {seconds: 5}}
  volumes:
    - name: config
      configMap: {name: {{ include "onbill-origin.name" . }}}
    - name: secrets
      secret:
        secretName: {{ required "existingSecret names the Secret with keys.json" .Values.existingSecret }}
        # Its group is fsGroup.
        defaultMode: 0440
    {{- with .Values.files.existingClaim }}
    - name: files
      persistentVolumeClaim: {claimName: {{ . }}}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
