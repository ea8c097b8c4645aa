//! The processes that ask the vendors' libraries.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    thread,
};

use serde_json::{Map, Value, json};

use crate::recorded::Recorded;

/// What one library says.
pub(crate) struct Verdict {
    pub(crate) library: String,
    pub(crate) accepts: bool,
    /// The types of the events, where the library reads them.
    pub(crate) types: Option<Vec<String>>,
    pub(crate) why: String,
}

pub(crate) struct Vendors {
    node: Process,
    python: Process,
}

impl Vendors {
    /// The folder in which the libraries are installed, with `vendors.mjs` and `vendors.py`.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let python = folder.join("venv/bin/python");
        Self {
            node: Process::start(Command::new("node").arg("vendors.mjs").current_dir(folder)),
            python: Process::start(Command::new(python).arg("vendors.py").current_dir(folder)),
        }
    }

    /// What each library makes of each request.
    pub(crate) fn verdicts(&mut self, requests: &[Recorded]) -> Vec<Vec<Verdict>> {
        let questions: Vec<_> = requests.iter().map(question).collect();
        let (node, python) = thread::scope(|scope| {
            let python = scope.spawn(|| self.python.answers(&questions));
            (self.node.answers(&questions), python.join().unwrap())
        });
        node.into_iter()
            .zip(python)
            .map(|(node, python)| [said(node), said(python)].into_iter().flatten().collect())
            .collect()
    }

    /// The requests with what proves them. Without those that the sender cannot sign.
    pub(crate) fn signed(&mut self, requests: &[Recorded]) -> Vec<Option<Recorded>> {
        let questions: Vec<_> =
            requests.iter().map(|request| with(request, "sign", json!(true))).collect();
        let answers = self.node.answers(&questions);
        requests.iter().zip(answers).map(|(request, answer)| with_proof(request, &answer)).collect()
    }

    /// The status that the signed request gets at this URL. `None`: the language has no signer for this sender.
    pub(crate) fn post(
        &mut self,
        by: Language,
        request: &Recorded,
        url: &str,
    ) -> Result<u64, String> {
        let process = match by {
            Language::JavaScript => &mut self.node,
            Language::Python => &mut self.python,
        };
        let answer = process.answers(&[with(request, "post", json!(url))]).remove(0);
        answer["status"].as_u64().ok_or_else(|| answer.to_string())
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Language {
    JavaScript,
    Python,
}

fn question(request: &Recorded) -> Value {
    let mut question = serde_json::to_value(request).unwrap();
    question["url"] = format!("{}{}", request.origin, request.target).into();
    question
}

fn with(request: &Recorded, name: &str, value: Value) -> Value {
    let mut question = question(request);
    question[name] = value;
    question
}

fn with_proof(request: &Recorded, answer: &Value) -> Option<Recorded> {
    let url = answer.get("url")?.as_str()?;
    Some(Recorded {
        target: url.strip_prefix(&request.origin)?.to_owned(),
        headers: serde_json::from_value(answer["headers"].clone()).ok()?,
        body_base64: answer["body_base64"].as_str()?.to_owned(),
        ..request.clone()
    })
}

fn said(answer: Value) -> Vec<Verdict> {
    assert!(answer.get("error").is_none(), "{answer}");
    let libraries: Map<String, Value> = serde_json::from_value(answer).unwrap();
    let verdict = |(library, said): (String, Value)| Verdict {
        library,
        accepts: said["verdict"] == "accept",
        types: said.get("types").map(|types| serde_json::from_value(types.clone()).unwrap()),
        why: said["why"].as_str().unwrap_or_default().to_owned(),
    };
    libraries.into_iter().map(verdict).collect()
}

/// It answers each line with one.
struct Process {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<std::process::ChildStdout>,
}

impl Process {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, questions, answers }
    }

    fn answers(&mut self, questions: &[Value]) -> Vec<Value> {
        let input = self.questions.as_mut().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                for question in questions {
                    writeln!(input, "{question}").unwrap();
                }
            });
            let lines = self.answers.by_ref().lines().take(questions.len());
            let answers: Vec<_> =
                lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
            assert_eq!(answers.len(), questions.len(), "the process has ended");
            answers
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.questions.take());
        self.child.wait().unwrap();
    }
}
